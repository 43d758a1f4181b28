#include "measure/url.h"

#include <gmock/gmock.h>

#include "tests/support/support.h"

namespace halcyon::measure {
namespace {

using testing::HasSubstr;

TEST(Url, TheSchemeMayBeMissing) {
  ASSERT_OK_AND_ASSIGN(const Url url, parse_url("localhost:8080"));
  EXPECT_EQ(url.text(), "http://localhost:8080");
  EXPECT_FALSE(url.tls);
}

TEST(Url, PortsHaveTheirDefaults) {
  ASSERT_OK_AND_ASSIGN(const Url plain, parse_url("http://host"));
  EXPECT_EQ(plain.port, 80);
  ASSERT_OK_AND_ASSIGN(const Url tls, parse_url("https://host/"));
  EXPECT_EQ(tls.port, 443);
}

TEST(Url, TheFolderThatOpenAisClientsWantIsDropped) {
  ASSERT_OK_AND_ASSIGN(const Url url, parse_url("http://127.0.0.1:1234/v1/"));
  EXPECT_EQ(url.path, "");
  ASSERT_OK_AND_ASSIGN(const Url proxied, parse_url("https://host/llm/v1"));
  EXPECT_EQ(proxied.path, "/llm");
}

TEST(Url, Ipv6AddressesAreInBrackets) {
  ASSERT_OK_AND_ASSIGN(const Url url, parse_url("http://[::1]:8080"));
  EXPECT_EQ(url.host, "::1");
  EXPECT_EQ(url.authority(), "[::1]:8080");
}

TEST(Url, WhatIsNoAddressIsRefusedWithItsReason) {
  EXPECT_ERROR(parse_url("ftp://host"), HasSubstr("neither http:// nor https://"));
  EXPECT_ERROR(parse_url("http://"), HasSubstr("there is no host"));
  EXPECT_ERROR(parse_url("http://[::1"), HasSubstr("without its ']'"));
  EXPECT_ERROR(parse_url("http://host:0"), HasSubstr("1 to 65535"));
  EXPECT_ERROR(parse_url("http://host:70000"), HasSubstr("1 to 65535"));
  EXPECT_ERROR(parse_url("http://host:80x"), HasSubstr("1 to 65535"));
  EXPECT_ERROR(parse_url("http://me:secret@host"), HasSubstr("--api-key-file"));
  EXPECT_ERROR(parse_url("http://host/a b"), HasSubstr("characters"));
  EXPECT_ERROR(parse_url("http://host/\r\nX: y"), HasSubstr("characters"));
}

}  // namespace
}  // namespace halcyon::measure
