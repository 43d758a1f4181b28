#include "cli/chat.h"

#include "base/quote.h"
#include "cli/answer.h"
#include "cli/chat_terminal.h"
#include "cli/diagnostics.h"

namespace halcyon::cli {
namespace {

constexpr std::string_view kHelp =
    "/clear  start a new conversation\n"
    "/exit   leave (or Ctrl-D)\n"
    "/help   show this\n"
    "Ctrl-C  stop the answer\n";

class Conversation {
 public:
  Conversation(engine::Engine& engine, const engine::Request& base, const std::string& system, bool quiet)
      : engine_(engine), base_(base), system_(system), quiet_(quiet) {
    clear();
  }

  void clear() {
    messages_ = nlohmann::ordered_json::array();
    if (!system_.empty()) add("system", system_);
  }

  /// Answers `text`. What failed or was stopped before its first word is not part of the conversation.
  Result<void> say(const std::string& text) {
    const size_t before = messages_.size();
    add("user", text);
    const Result<std::string> answer = this->answer();
    if (answer && !answer->empty()) {
      add("assistant", *answer);
    } else {
      messages_.erase(messages_.begin() + static_cast<ptrdiff_t>(before), messages_.end());
    }
    if (!answer) return std::unexpected(answer.error());
    return {};
  }

 private:
  void add(const char* role, const std::string& content) {
    messages_.push_back({{"role", role}, {"content", content}});
  }

  Result<std::string> answer() {
    engine::Request request = base_;
    TRY(request.prompt, engine_.chat_prompt(messages_));
    if (request.prompt.size() > static_cast<size_t>(engine_.n_ctx()))
      return fail(
          "the conversation has {} tokens, more than the context of {}: /clear starts a new one, --ctx makes "
          "room",
          request.prompt.size(), engine_.n_ctx());
    TRY(const std::shared_ptr<engine::Generation> generation, engine_.submit(std::move(request)));
    const CancelOnInterrupt interrupt(*generation);
    TRY(Answer answer, print_answer(*generation));
    const engine::Timings& t = answer.finish.timings;
    if (answer.finish.reason == engine::FinishReason::length && t.predicted_n != base_.max_tokens)
      diagnose("[the context of {} tokens is full: /clear starts a new conversation, --ctx makes room]\n",
               engine_.n_ctx());
    if (!quiet_) diagnose("[{}]\n", measures(t));
    return std::move(answer.text);
  }

  engine::Engine& engine_;
  const engine::Request& base_;
  const std::string& system_;
  const bool quiet_;
  nlohmann::ordered_json messages_;
};

}  // namespace

Result<void> chat(engine::Engine& engine, const engine::Request& base, const std::string& system,
                  bool quiet) {
  ChatTerminal terminal;
  Conversation conversation(engine, base, system, quiet);
  for (std::string line;;) {
    const ChatTerminal::Input input = terminal.read(line);
    if (input == ChatTerminal::Input::interrupted) {
      diagnose("\n[Ctrl-D or /exit leaves]\n");
      continue;
    }
    if (input == ChatTerminal::Input::end || line == "/exit") break;
    if (line.empty()) continue;
    if (line == "/help") {
      diagnose("{}", kHelp);
      continue;
    }
    if (line == "/clear") {
      conversation.clear();
      continue;
    }
    if (const Result<void> said = conversation.say(line); !said) {
      if (!terminal.interactive()) return said;
      diagnose("[{}]\n", one_line(said.error().message));
    }
  }
  if (terminal.interactive()) diagnose("\n");
  return {};
}

}  // namespace halcyon::cli
