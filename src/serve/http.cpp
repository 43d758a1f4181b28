#include "serve/http.h"

#include <strings.h>

namespace halcyon::serve {
namespace {

class Whole final : public Exchange {
 public:
  Whole(HttpHead head, std::string body) : head_(std::move(head)), body_(std::move(body)) {}
  Output poll() override { return {.body = std::move(body_), .done = true}; }
  const HttpHead& head() const override { return head_; }

 private:
  HttpHead head_;
  std::string body_;
};

}  // namespace

std::string_view HttpRequest::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (key.size() == name.size() && ::strncasecmp(key.data(), name.data(), name.size()) == 0) return value;
  return {};
}

std::unique_ptr<Exchange> reply(HttpHead head, std::string body) {
  return std::make_unique<Whole>(std::move(head), std::move(body));
}

}  // namespace halcyon::serve
