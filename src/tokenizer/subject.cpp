#include "tokenizer/subject.h"

#include <algorithm>
#include <iterator>

#include "tokenizer/utf8.h"

namespace halcyon::tokenizer {
namespace {

// Characters of four bytes that stand for others; no pattern names them.
constexpr char32_t kLetter = 0x30000, kMark = 0x16AF0, kNumber = 0x10107, kPunctuation = 0x10100,
                   kSymbol = 0x1F000;

struct StandIn {
  char32_t first, last, stand_in;
};

constexpr StandIn kStandIns[] = {
    {0xCF3, 0xCF3, 0xCD5},       {0xECE, 0xECE, 0xECD},
    {0x180E, 0x180E, 0x200B},    {0x2FFC, 0x2FFF, 0x2FFB},
    {0x31EF, 0x31EF, 0x31E3},    {0xD800, 0xDFFF, 0xE000},
    {0x10EFD, 0x10EFF, kMark},   {0x1123F, 0x11240, kLetter},
    {0x11241, 0x11241, kMark},   {0x11B00, 0x11B09, kPunctuation},
    {0x11F00, 0x11F01, kMark},   {0x11F02, 0x11F02, kLetter},
    {0x11F03, 0x11F03, kMark},   {0x11F04, 0x11F10, kLetter},
    {0x11F12, 0x11F33, kLetter}, {0x11F34, 0x11F3A, kMark},
    {0x11F3E, 0x11F42, kMark},   {0x11F43, 0x11F4F, kPunctuation},
    {0x11F50, 0x11F59, kNumber}, {0x1342F, 0x1342F, kLetter},
    {0x13440, 0x13440, kMark},   {0x13441, 0x13446, kLetter},
    {0x13447, 0x13455, kMark},   {0x1B132, 0x1B132, kLetter},
    {0x1B155, 0x1B155, kLetter}, {0x1D2C0, 0x1D2D3, kNumber},
    {0x1DF25, 0x1DF2A, kLetter}, {0x1E030, 0x1E06D, kLetter},
    {0x1E08F, 0x1E08F, kMark},   {0x1E4D0, 0x1E4EB, kLetter},
    {0x1E4EC, 0x1E4EF, kMark},   {0x1E4F0, 0x1E4F9, kNumber},
    {0x1F6DC, 0x1F6DC, kSymbol}, {0x1F774, 0x1F776, kSymbol},
    {0x1F77B, 0x1F77F, kSymbol}, {0x1F7D9, 0x1F7D9, kSymbol},
    {0x1FA75, 0x1FA77, kSymbol}, {0x1FA87, 0x1FA88, kSymbol},
    {0x1FAAD, 0x1FAAF, kSymbol}, {0x1FABB, 0x1FABD, kSymbol},
    {0x1FABF, 0x1FABF, kSymbol}, {0x1FACE, 0x1FACF, kSymbol},
    {0x1FADA, 0x1FADB, kSymbol}, {0x1FAE8, 0x1FAE8, kSymbol},
    {0x1FAF7, 0x1FAF8, kSymbol}, {0x2B739, 0x2B739, 0x2B738},
    {0x2EBF0, 0x2EE5D, kLetter}, {0x31350, 0x323AF, kLetter},
};

/// The stand-in of a character that needs one, else the character itself.
char32_t seen(char32_t code_point) {
  if (code_point < kStandIns[0].first) return code_point;
  const StandIn* row = std::ranges::lower_bound(kStandIns, code_point, {}, &StandIn::last);
  return row != std::end(kStandIns) && row->first <= code_point ? row->stand_in : code_point;
}

}  // namespace

Subject::Subject(std::string_view text) : text_(text) {
  std::string stand_in;
  for (size_t at = 0; at < text.size();) {
    const auto [code_point, length] = utf8::decode(text, at);
    if (const char32_t other = seen(code_point); other != code_point) {
      if (copy_.empty()) copy_ = text;
      stand_in.clear();
      utf8::append(stand_in, other);
      copy_.replace(at, length, stand_in);
    }
    at += length;
  }
  if (!copy_.empty()) text_ = copy_;
}

}  // namespace halcyon::tokenizer
