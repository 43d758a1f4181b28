#include "cli/chat_terminal.h"

#include <langinfo.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <cwchar>
#include <filesystem>
#include <iostream>

#include "base/signals.h"

namespace halcyon::cli {
namespace {

constexpr int kHistoryLines = 1000;

/// What Ctrl-C cancels. The handler runs on the main thread, which alone changes this: the engine's threads
/// block signals.
std::atomic<engine::Generation*> interruptible = nullptr;

void on_interrupt(int) {
  if (engine::Generation* generation = interruptible.load()) generation->cancel();
}

void handle_interrupts() {
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
}

/// False, with errno, if Ctrl-C came instead. One that came while it was held back counts.
bool wait_for_input() {
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  sigdelset(&mask, SIGINT);
  pollfd input = {.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
  return ::ppoll(&input, 1, nullptr, &mask) == 1;
}

/// Reads one character for the line editor: 1, 0 at the end, -1 after Ctrl-C. libedit's own reader passes
/// over the first Ctrl-C. Bytes that are no characters are left out.
int read_character(EditLine*, wchar_t* character) {
  std::mbstate_t state = {};
  for (char byte;;) {
    if (!wait_for_input()) return -1;
    const ssize_t n = ::read(STDIN_FILENO, &byte, 1);
    if (n <= 0) return static_cast<int>(n);
    const size_t length = std::mbrtowc(character, &byte, 1, &state);
    if (length <= 1) return 1;
    if (length == static_cast<size_t>(-1)) state = {};
  }
}

/// $XDG_STATE_HOME/halcyon/history, or in ~/.local/state; empty if there is no such place.
std::string find_history() {
  const char* state = std::getenv("XDG_STATE_HOME");
  const char* home = std::getenv("HOME");
  std::filesystem::path folder;
  if (state && *state == '/') {
    folder = state;
  } else if (home && *home) {
    folder = std::filesystem::path(home) / ".local" / "state";
  } else {
    return {};
  }
  std::error_code error;
  std::filesystem::create_directories(folder / "halcyon", error);
  return error ? "" : (folder / "halcyon" / "history").string();
}

/// Line editing works on characters, so that the locale has to know UTF-8.
void use_utf8() {
  std::setlocale(LC_CTYPE, "");
  if (std::strcmp(nl_langinfo(CODESET), "UTF-8") != 0) std::setlocale(LC_CTYPE, "C.UTF-8");
}

char* prompt(EditLine*) {
  static char text[] = "> ";
  return text;
}

}  // namespace

ChatTerminal::ChatTerminal() : interactive_(isatty(STDIN_FILENO) != 0) {
  if (!interactive_) return;
  use_utf8();
  handle_interrupts();

  HistEvent event;
  history_.reset(history_init());
  history(history_.get(), &event, H_SETSIZE, kHistoryLines);
  history(history_.get(), &event, H_SETUNIQUE, 1);
  history_path_ = find_history();
  if (!history_path_.empty()) history(history_.get(), &event, H_LOAD, history_path_.c_str());

  edit_.reset(el_init("halcyon", stdin, isatty(STDOUT_FILENO) ? stdout : stderr, stderr));
  if (!edit_) {
    interactive_ = false;  // no memory, or no terminal after all
    return;
  }
  el_set(edit_.get(), EL_PROMPT, prompt);
  el_set(edit_.get(), EL_EDITOR, "emacs");
  el_set(edit_.get(), EL_HIST, history, history_.get());
  el_set(edit_.get(), EL_GETCFN, read_character);
  // While editing and while answering: else Ctrl-C may throw away what is written in reply to it.
  for (const char* mode : {"-d", "-x"}) el_set(edit_.get(), EL_SETTY, mode, "+noflsh", nullptr);
  el_source(edit_.get(), nullptr);
}

ChatTerminal::~ChatTerminal() {
  if (interactive_) signal(SIGINT, SIG_DFL);
}

ChatTerminal::Input ChatTerminal::read(std::string& line) {
  if (!interactive_) return std::getline(std::cin, line) ? Input::line : Input::end;

  const BlockSignals hold_back(SIGINT);  // only wait_for_input() lets it through
  el_resize(edit_.get());
  // Before the prompt is shown, which el_gets() does first: a key pressed right then would be the terminal's.
  el_set(edit_.get(), EL_PREP_TERM, 1);
  int length = 0;
  const char* text = el_gets(edit_.get(), &length);
  if (!text) return length < 0 && errno == EINTR ? Input::interrupted : Input::end;
  line.assign(text, static_cast<size_t>(length));
  while (line.ends_with('\n') || line.ends_with('\r')) line.pop_back();
  if (line.find_first_not_of(" \t") != std::string::npos) {
    HistEvent event;
    history(history_.get(), &event, H_ENTER, line.c_str());
    if (!history_path_.empty()) history(history_.get(), &event, H_SAVE, history_path_.c_str());
  }
  return Input::line;
}

CancelOnInterrupt::CancelOnInterrupt(engine::Generation& generation) { interruptible = &generation; }
CancelOnInterrupt::~CancelOnInterrupt() { interruptible = nullptr; }

}  // namespace halcyon::cli
