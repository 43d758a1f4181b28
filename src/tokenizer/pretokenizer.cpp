#include "tokenizer/pretokenizer.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <optional>
#include <string>

#include "tokenizer/subject.h"

namespace halcyon::tokenizer {
namespace {

struct FreeMatchData {
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};
struct FreeMatchContext {
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};

std::string message_of(int pcre2_error) {
  PCRE2_UCHAR buffer[256];
  pcre2_get_error_message(pcre2_error, buffer, sizeof buffer);
  return reinterpret_cast<const char*>(buffer);
}

struct Match {
  size_t begin, end;
};

/// Searches for one pattern in one piece after another.
class Matcher {
 public:
  Matcher(const pcre2_code* code, std::string_view subject)
      : code_(code),
        subject_(subject),
        data_(pcre2_match_data_create(1, nullptr)),
        context_(pcre2_match_context_create(nullptr)) {
    // Backing out of one long run takes a step per character, which PCRE2's default limit would forbid; a
    // pattern that needs many times more would have been the quadratic mistake that the limit is for.
    const size_t steps = 10'000'000 + 8 * subject.size();
    pcre2_set_match_limit(context_.get(), static_cast<uint32_t>(std::min<size_t>(steps, UINT32_MAX)));
  }

  /// The first match from `at` on in the piece [begin, end); an empty one at `end` if there is none.
  Result<Match> find(size_t begin, size_t at, size_t end) {
    const auto* piece = reinterpret_cast<PCRE2_SPTR>(subject_.data()) + begin;
    const int rc =
        pcre2_match(code_, piece, end - begin, at - begin, PCRE2_NO_UTF_CHECK, data_.get(), context_.get());
    if (rc == PCRE2_ERROR_NOMATCH) return Match{end, end};
    if (rc < 0) return fail("pre-tokenizer failed at byte {} of the text: {}", at, message_of(rc));
    const PCRE2_SIZE* match = pcre2_get_ovector_pointer(data_.get());
    if (match[0] == match[1]) return fail("pre-tokenizer matched nothing at byte {} of the text", at);
    return Match{begin + match[0], begin + match[1]};
  }

 private:
  const pcre2_code* code_;
  std::string_view subject_;
  std::unique_ptr<pcre2_match_data, FreeMatchData> data_;
  std::unique_ptr<pcre2_match_context, FreeMatchContext> context_;
};

/// Appends to `ends` where each match and each gap of the piece [begin, end) ends.
Result<void> split_isolated(Matcher& matcher, size_t begin, size_t end, std::vector<size_t>& ends) {
  for (size_t at = begin; at < end;) {
    TRY(const Match match, matcher.find(begin, at, end));
    if (match.begin > at) ends.push_back(match.begin);
    if (match.end > match.begin) ends.push_back(match.end);
    at = match.end;
  }
  return {};
}

/// The same for runs of numbers as matches, except that a run is cut at the end of each of its groups of
/// three, the first of which may be shorter, and that what is ahead of a run stays with its first group.
Result<void> split_digit_groups(Matcher& matcher, std::string_view text, size_t begin, size_t end,
                                std::vector<size_t>& ends) {
  const auto is_lead = [&](size_t i) { return (text[i] & 0xC0) != 0x80; };
  for (size_t at = begin; at < end;) {
    TRY(const Match run, matcher.find(begin, at, end));
    size_t left = 0;
    for (size_t i = run.begin; i < run.end; i++) left += is_lead(i);
    for (size_t i = run.begin; i < run.end; i++) {
      if (!is_lead(i)) continue;
      if (i > run.begin && left % 3 == 0) ends.push_back(i);
      left--;
    }
    ends.push_back(run.end);
    at = run.end;
  }
  return {};
}

/// Cuts before each group of three ASCII digits.
void split_thousands(std::string_view text, size_t begin, size_t end, std::vector<size_t>& ends) {
  const auto is_digit = [&](size_t i) { return text[i] >= '0' && text[i] <= '9'; };
  for (size_t i = begin; i < end;) {
    size_t run_end = i;
    while (run_end < end && is_digit(run_end)) run_end++;
    for (size_t cut = i + (run_end - i) % 3; cut < run_end; cut += 3)
      if (cut > begin) ends.push_back(cut);
    i = std::max(run_end, i + 1);
  }
  ends.push_back(end);
}

}  // namespace

void PreTokenizer::CodeDeleter::operator()(pcre2_real_code_8* code) const { pcre2_code_free(code); }

Result<PreTokenizer> PreTokenizer::compile(std::span<const Split> splits, bool jit) {
  PreTokenizer result;
  for (const Split& split : splits) {
    Step step{split.by, nullptr};
    const std::string pattern = split.by == Split::By::digit_groups ? R"(\p{N}+)" : split.pattern;
    if (split.by != Split::By::thousands) {
      int error = 0;
      PCRE2_SIZE offset = 0;
      step.code.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                                    PCRE2_UTF | PCRE2_UCP | PCRE2_DOLLAR_ENDONLY, &error, &offset, nullptr));
      if (!step.code) return fail("pre-tokenizer pattern, at {}: {}", offset, message_of(error));
      // Where the system forbids writable code there is no JIT, and the interpreter takes over.
      if (jit) pcre2_jit_compile(step.code.get(), PCRE2_JIT_COMPLETE);
    }
    result.steps_.push_back(std::move(step));
  }
  return result;
}

Result<std::vector<size_t>> PreTokenizer::split(std::string_view text) const {
  std::vector<size_t> ends, next;
  if (text.empty()) return ends;
  const Subject subject(text);
  ends.push_back(text.size());
  for (const Step& step : steps_) {
    next.clear();
    next.reserve(ends.size());
    std::optional<Matcher> matcher;
    if (step.code) matcher.emplace(step.code.get(), subject.text());
    size_t begin = 0;
    for (const size_t end : ends) {
      switch (step.by) {
        case Split::By::regex:
          CHECK_OK(split_isolated(*matcher, begin, end, next));
          break;
        case Split::By::digit_groups:
          CHECK_OK(split_digit_groups(*matcher, text, begin, end, next));
          break;
        case Split::By::thousands:
          split_thousands(text, begin, end, next);
          break;
      }
      begin = end;
    }
    std::swap(ends, next);
  }
  return ends;
}

}  // namespace halcyon::tokenizer
