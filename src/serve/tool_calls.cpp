#include "serve/tool_calls.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "serve/object_scanner.h"

namespace halcyon::serve {
namespace {

using ScanState = ObjectScanner::State;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

void add_text(std::vector<ToolEvent>& out, std::string_view text) {
  if (text.empty()) return;
  if (out.empty() || !std::holds_alternative<std::string>(out.back())) out.emplace_back(std::string());
  std::get<std::string>(out.back()) += text;
}

/// The call that a complete object is, if it is one.
std::optional<ToolCall> parse_call(std::string_view object) {
  const auto json = nlohmann::ordered_json::parse(object, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return std::nullopt;
  const auto name = json.find("name");
  auto arguments = json.find("arguments");
  if (arguments == json.end()) arguments = json.find("parameters");
  if (name == json.end() || !name->is_string() || arguments == json.end() || !arguments->is_object())
    return std::nullopt;
  return ToolCall{name->get<std::string>(), arguments->dump()};
}

class HermesParser final : public ToolCallParser {
 public:
  std::vector<ToolEvent> push(std::string_view text) override {
    std::vector<ToolEvent> out;
    for (const char c : text) {
      if (in_call_) {
        push_call(c, out);
      } else {
        push_text(c, out);
      }
    }
    return out;
  }

  std::vector<ToolEvent> finish() override {
    std::vector<ToolEvent> out;
    if (before_ == Before::call && kEnd.starts_with(held_)) held_.clear();
    give_back(out);
    if (before_ == Before::nothing) add_text(out, space_);
    return out;
  }

 private:
  // Both begin with their only '<': where a tag fails to match, the next one begins at that byte at the
  // earliest.
  static constexpr std::string_view kBegin = "<tool_call>";
  static constexpr std::string_view kEnd = "</tool_call>";

  void push_text(char c, std::vector<ToolEvent>& out) {
    held_ += c;
    if (kBegin.starts_with(held_)) {
      if (held_.size() < kBegin.size()) return;
      in_call_ = true;
      scanner_.reset();
    } else if (before_ == Before::call && kEnd.starts_with(held_)) {
      if (held_.size() == kEnd.size()) held_.clear();
    } else if (held_.size() > 1) {
      held_.pop_back();
      give_back(out);
      push_text(c, out);
    } else {
      held_.clear();
      if (!is_space(c) || before_ == Before::text) {
        give_text(std::string_view(&c, 1), out);
      } else if (before_ == Before::nothing) {
        space_ += c;
      }
    }
  }

  void push_call(char c, std::vector<ToolEvent>& out) {
    held_ += c;
    if (held_.size() > kMaxBytes) return give_back(out);
    if (!scanner_) {
      if (is_space(c)) return;
      scanner_.emplace();
    }
    switch (scanner_->push(c)) {
      case ScanState::incomplete:
        return;
      case ScanState::invalid:  // its last byte may begin a tag
        held_.pop_back();
        give_back(out);
        return push_text(c, out);
      case ScanState::complete: {
        std::optional<ToolCall> call = parse_call(std::string_view(held_).substr(kBegin.size()));
        if (!call) return give_back(out);
        out.emplace_back(*std::move(call));
        held_.clear();
        in_call_ = false;
        before_ = Before::call;
      }
    }
  }

  /// What is held back is text.
  void give_back(std::vector<ToolEvent>& out) {
    if (!held_.empty()) give_text(std::exchange(held_, {}), out);
    in_call_ = false;
  }

  void give_text(std::string_view text, std::vector<ToolEvent>& out) {
    if (before_ == Before::nothing) add_text(out, space_);
    add_text(out, text);
    before_ = Before::text;
  }

  enum class Before { nothing, text, call } before_ = Before::nothing;  ///< but white space
  std::string space_;  ///< at the beginning of the answer; dropped if a call follows
  std::string held_;   ///< the beginning of a tag, or a call from its tag on
  bool in_call_ = false;
  std::optional<ObjectScanner> scanner_;  ///< from the '{' of a call on
};

class Llama3Parser final : public ToolCallParser {
 public:
  explicit Llama3Parser(std::vector<std::string> names) : names_(std::move(names)) {}

  std::vector<ToolEvent> push(std::string_view text) override {
    std::vector<ToolEvent> out;
    for (size_t i = 0; i < text.size() && !is_text_; ++i) {
      held_ += text[i];
      is_text_ = held_.size() > kMaxBytes || !accept(text[i]);
      if (!is_text_) continue;
      add_text(out, std::exchange(held_, {}));
      text.remove_prefix(i + 1);
    }
    if (is_text_) add_text(out, text);
    return out;
  }

  std::vector<ToolEvent> finish() override {
    std::vector<ToolEvent> out;
    if (is_text_ || scanner_ || calls_.empty()) {
      add_text(out, held_);
    } else {
      std::ranges::move(calls_, std::back_inserter(out));
    }
    return out;
  }

 private:
  static constexpr std::string_view kTag = "<|python_tag|>";

  /// Whether the answer may still be calls with the next byte, which is held.
  bool accept(char c) {
    if (!scanner_) {
      if (calls_.empty() && tag_ < kTag.size() && c == kTag[tag_]) return ++tag_, true;
      if (tag_ > 0 && tag_ < kTag.size()) return false;
      if (is_space(c) || (c == ';' && !calls_.empty())) return true;
      scanner_.emplace();
      object_ = held_.size() - 1;
    }
    const ScanState state = scanner_->push(c);
    if (state != ScanState::complete) return state == ScanState::incomplete;
    std::optional<ToolCall> call = parse_call(std::string_view(held_).substr(object_));
    if (!call || std::ranges::find(names_, call->name) == names_.end()) return false;
    calls_.push_back(*std::move(call));
    scanner_.reset();
    return true;
  }

  std::vector<std::string> names_;
  std::string held_;  ///< the answer so far, while it may be calls
  bool is_text_ = false;
  size_t tag_ = 0;                        ///< bytes of kTag seen
  size_t object_ = 0;                     ///< where in held_ the last object begins
  std::optional<ObjectScanner> scanner_;  ///< within an object
  std::vector<ToolCall> calls_;
};

}  // namespace

ToolFormat detect_tool_format(std::string_view chat_template) {
  const auto has = [&](std::string_view text) { return chat_template.contains(text); };
  if (has("<tool_call>")) return ToolFormat::hermes;
  const bool llama3 = has("\"parameters\"") || has("<|python_tag|>") || has("ipython");
  return llama3 ? ToolFormat::llama3 : ToolFormat::hermes;
}

std::unique_ptr<ToolCallParser> make_tool_call_parser(ToolFormat format, std::vector<std::string> names) {
  if (format == ToolFormat::llama3) return std::make_unique<Llama3Parser>(std::move(names));
  return std::make_unique<HermesParser>();
}

ToolAnswer parse_tool_calls(ToolFormat format, std::vector<std::string> names, std::string_view answer) {
  const std::unique_ptr<ToolCallParser> parser = make_tool_call_parser(format, std::move(names));
  ToolAnswer parsed;
  const auto add = [&](std::vector<ToolEvent> events) {
    for (ToolEvent& event : events) {
      if (auto* text = std::get_if<std::string>(&event)) {
        parsed.text += *text;
      } else {
        parsed.calls.push_back(std::get<ToolCall>(std::move(event)));
      }
    }
  };
  add(parser->push(answer));
  add(parser->finish());
  return parsed;
}

}  // namespace halcyon::serve
