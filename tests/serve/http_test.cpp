#include "serve/http.h"

#include <gmock/gmock.h>

namespace halcyon::serve {
namespace {

TEST(HttpRequest, FindsHeadersWhateverTheCase) {
  HttpRequest request;
  request.headers = {{"Content-Type", "application/json"}, {"X-A", "1"}, {"x-a", "2"}};
  EXPECT_EQ(request.header("content-type"), "application/json");
  EXPECT_EQ(request.header("X-A"), "1");
  EXPECT_EQ(request.header("X"), "");
}

TEST(Reply, IsThereAtOnceAndWhole) {
  const auto exchange = reply({.status = 404, .headers = {}}, "no");
  const Exchange::Output output = exchange->poll();
  EXPECT_EQ(output.body, "no");
  EXPECT_TRUE(output.done);
  EXPECT_EQ(exchange->head().status, 404);
}

}  // namespace
}  // namespace halcyon::serve
