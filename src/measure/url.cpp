#include "measure/url.h"

#include <algorithm>
#include <charconv>

#include "base/quote.h"

namespace halcyon::measure {

std::string Url::authority() const {
  return host.contains(':') ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

std::string Url::text() const { return fmt::format("{}://{}{}", tls ? "https" : "http", authority(), path); }

Result<Url> parse_url(std::string_view text) {
  const auto wrong = [whole = text](std::string_view why) {
    return fail("{}: {}; an address looks like http://127.0.0.1:8080", quote(whole), why);
  };
  Url url;
  if (const size_t end = text.find("://"); end != std::string_view::npos) {
    const std::string_view scheme = text.substr(0, end);
    if (scheme != "http" && scheme != "https") return wrong("neither http:// nor https://");
    url.tls = scheme == "https";
    text.remove_prefix(end + 3);
  }
  const std::string_view authority = text.substr(0, text.find('/'));
  std::string_view path = text.substr(authority.size());
  while (path.ends_with('/')) path.remove_suffix(1);
  if (path.ends_with("/v1")) path.remove_suffix(3);
  url.path = path;
  if (authority.contains('@'))
    return wrong("names and passwords are not sent; keys go in with --api-key-file");

  std::string_view port;
  if (authority.starts_with('[')) {
    const size_t end = authority.find(']');
    if (end == std::string_view::npos) return wrong("a '[' without its ']'");
    url.host = authority.substr(1, end - 1);
    port = authority.substr(end + 1);
    if (!port.empty() && !port.starts_with(':')) return wrong("what follows ']' is no port");
  } else {
    url.host = authority.substr(0, authority.find(':'));
    port = authority.substr(url.host.size());
  }
  const auto unfit = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7f'; };
  if (url.host.empty()) return wrong("there is no host");
  if (url.host.contains('@'))
    return wrong("names and passwords are not sent; keys go in with --api-key-file");
  if (std::ranges::any_of(url.host + url.path, unfit) || url.path.find_first_of("?#") != std::string::npos)
    return wrong("it has characters that no address has");
  if (port.empty()) {
    url.port = url.tls ? 443 : 80;
    return url;
  }
  port.remove_prefix(1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), url.port);
  if (error != std::errc() || end != port.data() + port.size() || url.port == 0)
    return wrong("the port is not a number from 1 to 65535");
  return url;
}

}  // namespace halcyon::measure
