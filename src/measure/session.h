// One run of the protocol: the state that its phases share.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "measure/dialect.h"
#include "measure/http_client.h"
#include "measure/prompts.h"
#include "measure/protocol.h"
#include "measure/recorder.h"
#include "process/server_process.h"

namespace halcyon::measure {

class Session {
 public:
  Session(const MeasureOptions& options, report::Measurement document, const Observer& observer,
          std::stop_token stop);
  report::Measurement run();

 private:
  /// An answer, and what was seen meanwhile. The samples are empty for a server on another machine.
  struct Answer {
    Generation generation;
    std::vector<Sample> samples;
    std::optional<Sample> first;  ///< at the first piece
    std::optional<double> prefill_joules, decode_joules;
  };
  struct Repetitions {
    int prompts, generations, task_tokens;
    std::vector<int> prompt_tokens;
  };

  // session.cpp
  void phase(const std::string& name, const std::function<void()>& work);
  void problem(const std::string& what);        ///< noted once, however often it comes
  void failure(const std::string& what);        ///< a problem that makes the measurement incomplete
  void fail_for_good(const std::string& what);  ///< and after which nothing more can be learned
  bool over() const { return over_ || stop_.stop_requested(); }
  std::chrono::milliseconds scaled(std::chrono::milliseconds time) const;
  bool pause(std::chrono::milliseconds time) const;  ///< false: stopped
  /// Fails if there is no whole answer; that is in the document then.
  Result<Answer> ask(const std::string& what, const Prompt& prompt, const GenerateOptions& options);
  std::vector<Sample> watch_idle(std::chrono::seconds time);
  void finish();
  void look_for_daemons();

  // reach.cpp: to the server
  void reach();
  void start_server();
  void connect_to(const Url& url);
  void find_port();
  bool wait_until_ready();
  bool choose_model();
  void find_process();
  void load_model();
  void describe();

  // idle.cpp
  void idle_before();
  void idle_after(std::optional<report::IdleWindow>& window, std::chrono::seconds time);
  void look_for_burn(const std::vector<Sample>& samples, std::vector<probe::WorkerUsage> workers);

  // throughput.cpp
  void cold_generation();
  void prompts();
  report::Rates prompts_of(int tokens);
  void warm_generations();
  void tasks();

  const MeasureOptions& options_;
  const Observer& observer_;
  const std::stop_token stop_;
  const Repetitions repetitions_;
  report::Measurement document_;
  PromptMaker prompt_maker_;
  std::unique_ptr<Recorder> recorder_;  ///< none for another machine
  std::unique_ptr<process::ServerProcess> process_;
  std::unique_ptr<HttpClient> client_;
  std::unique_ptr<Dialect> dialect_;
  Clock::time_point started_;  ///< the command
  bool here_ = true;           ///< the server is on this machine
  bool over_ = false;          ///< nothing more can be learned
  bool failed_ = false;
  int failures_in_a_row_ = 0;  ///< of requests
};

}  // namespace halcyon::measure
