// The server's half of TLS.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>

#include "base/result.h"
#include "serve/http_server.h"

namespace halcyon::serve {

/// TLS 1.2 and 1.3 with that certificate. Errors name the file and OpenSSL's reason.
Result<std::unique_ptr<boost::asio::ssl::context>> load_tls(const TlsFiles& files);

}  // namespace halcyon::serve
