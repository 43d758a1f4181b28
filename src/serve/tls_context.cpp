#include "serve/tls_context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/quote.h"

namespace halcyon::serve {
namespace {

/// What OpenSSL did not like; clears OpenSSL's queue.
std::string reason() {
  const unsigned long error = ::ERR_peek_error();
  ::ERR_clear_error();
  if (ERR_SYSTEM_ERROR(error)) return ::strerrordesc_np(ERR_GET_REASON(error));
  const char* text = ::ERR_reason_error_string(error);
  return text ? text : "unknown error";
}

}  // namespace

Result<std::unique_ptr<boost::asio::ssl::context>> load_tls(const TlsFiles& files) {
  using boost::asio::ssl::context;
  std::unique_ptr<context> tls;
  try {
    tls = std::make_unique<context>(context::tls_server);
  } catch (const std::exception& e) {
    return fail("TLS: OpenSSL does not start: {}", e.what());
  }
  SSL_CTX* ctx = tls->native_handle();
  ::ERR_clear_error();
  SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
  ::SSL_CTX_set_default_passwd_cb(ctx, [](char*, int, int, void*) { return 0; });  // or it asks the terminal
  ::SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  if (::SSL_CTX_use_certificate_chain_file(ctx, files.cert.c_str()) != 1)
    return fail("{}: cannot be read as a PEM certificate: {}", quote(files.cert), reason());
  if (::SSL_CTX_use_PrivateKey_file(ctx, files.key.c_str(), SSL_FILETYPE_PEM) != 1)
    return fail("{}: cannot be used as the PEM private key of {}: {}", quote(files.key), quote(files.cert),
                reason());
  return tls;
}

}  // namespace halcyon::serve
