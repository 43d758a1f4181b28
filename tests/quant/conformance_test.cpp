// Real blocks of every format, bit for bit.
#include <gmock/gmock.h>

#include <bit>
#include <nlohmann/json.hpp>

#include "quant/type.h"
#include "tests/support/support.h"

namespace halcyon::quant {
namespace {

/// nlohmann reads "-0" as the integer 0 and loses the sign; "-0.0" it keeps.
nlohmann::json parse_with_negative_zeros(std::string text) {
  std::string kept;
  for (size_t i = 0; i < text.size(); ++i) {
    kept += text[i];
    const bool is_zero = i > 0 && i + 1 < text.size() && text[i - 1] == '-' && text[i] == '0';
    if (is_zero && (text[i + 1] == ',' || text[i + 1] == ']')) kept += ".0";
  }
  return nlohmann::json::parse(kept);
}

std::vector<std::byte> from_hex(const std::string& hex) {
  std::vector<std::byte> bytes;
  for (size_t i = 0; i < hex.size(); i += 2)
    bytes.push_back(static_cast<std::byte>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  return bytes;
}

TEST(QuantConformance, DecodersAgreeBitForBit) {
  SKIP_WITHOUT_CONFORMANCE();
  const auto cases =
      parse_with_negative_zeros(test::read_file(test::conformance_dir() / "quant_blocks.json"));
  int decoded = 0, listed = 0, negative_zeros = 0;
  for (const auto& [name, block] : cases.items()) {
    SCOPED_TRACE(name);
    const Traits* type = find_traits(block["type_id"].get<int32_t>());
    ASSERT_NE(type, nullptr);
    EXPECT_EQ(type->name, name);
    EXPECT_EQ(type->block, block["block_elements"].get<uint32_t>());
    EXPECT_EQ(type->bytes, block["block_bytes"].get<uint32_t>());
    if (!type->decode) {
      ++listed;
      continue;
    }
    const auto bytes = from_hex(block["bytes"]);
    const auto expected = block["dequantized"].get<std::vector<float>>();
    ASSERT_EQ(row_bytes(type->type, static_cast<int64_t>(expected.size())), bytes.size());
    std::vector<float> values(expected.size());
    type->decode(bytes.data(), values.data(), values.size());
    for (size_t i = 0; i < values.size(); ++i) {
      ASSERT_EQ(std::bit_cast<uint32_t>(values[i]), std::bit_cast<uint32_t>(expected[i]))
          << "element " << i << ": " << values[i] << ", expected " << expected[i];
      negative_zeros += std::bit_cast<uint32_t>(values[i]) == 0x80000000;
    }
    ++decoded;
  }
  EXPECT_EQ(decoded, 21);
  EXPECT_EQ(listed, 10);
  EXPECT_GT(negative_zeros, 0);
}

}  // namespace
}  // namespace halcyon::quant
