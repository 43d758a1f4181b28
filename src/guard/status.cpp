#include "guard/status.h"

#include <fmt/format.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "guard/guard.h"

namespace halcyon::guard {
namespace {

using Json = nlohmann::ordered_json;

constexpr State kStates[] = {State::starting, State::busy,    State::idle,
                             State::frozen,   State::stopped, State::failed};

Json number_or_null(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }

double mean_ms(const Account::Thaws& thaws) {
  return thaws.count == 0 ? 0 : thaws.total_ms / static_cast<double>(thaws.count);
}

Json server_json(const Server& server, double watts_per_core, Time now) {
  const Account& account = server.account();
  const Account::Thaws& thaws = account.thaws();
  const Saved saved = account.saved(watts_per_core, now);
  Json json = {
      {"name", server.options().name},
      {"state", name_of(server.machine().state())},
      {"why", server.why()},
      {"pid", server.pid() ? Json(*server.pid()) : Json(nullptr)},
      {"port", server.port()},
      {"freezer", server.freezer()},
      {"in_flight", server.machine().in_flight()},
      {"queued", server.machine().waiting()},
      {"requests", account.requests},
      {"refused", account.refused},
      {"answered_asleep", account.from_memory},
      {"restarts", server.machine().restarts()},
      {"thaw_ms", thaws.count > 0 ? Json(thaws.last_ms) : Json(nullptr)},
      {"thaws", {{"count", thaws.count}, {"mean_ms", mean_ms(thaws)}, {"longest_ms", thaws.longest_ms}}},
      {"spin_cpu_percent", number_or_null(account.spin())}};
  Json& seconds = json["seconds_in_state"];
  for (const State state : kStates) seconds[std::string(name_of(state))] = account.seconds_in(state, now);
  json["saved"] = {
      {"cpu_hours", saved.cpu_hours},
      {"wh", saved.wh},
      {"source",
       saved.measured ? "measured" : fmt::format("estimated, {:g} W per active core", watts_per_core)}};
  return json;
}

/// One family of Prometheus' text format.
class Family {
 public:
  Family(std::string& out, std::string_view name, std::string_view type, std::string_view help)
      : out_(out), name_(name) {
    out_ += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", name, help, type);
  }
  void add(const std::string& labels, double value) {
    out_ += fmt::format("{}{{{}}} {}\n", name_, labels, value);
  }

 private:
  std::string& out_;
  std::string name_;
};

std::string label(std::string_view name) {
  std::string text = "server=\"";
  for (const char c : name) {
    if (c == '"' || c == '\\') text += '\\';
    text += c;
  }
  return text + '"';
}

}  // namespace

Json status_json(const Guard& guard, Time now) {
  const double watts = guard.options().watts_per_core;
  Json json = server_json(*guard.servers().front(), watts, now);
  if (guard.servers().size() > 1)
    for (const auto& server : guard.servers()) json["servers"].push_back(server_json(*server, watts, now));
  return json;
}

std::string metrics_text(const Guard& guard, Time now) {
  using Figure = std::function<double(const Server&)>;
  std::string out;
  const auto family = [&](std::string_view name, std::string_view type, std::string_view help,
                          const Figure& figure) {
    Family all(out, name, type, help);
    for (const auto& server : guard.servers()) all.add(label(server->options().name), figure(*server));
  };
  {
    Family state(out, "halcyon_guard_state", "gauge", "1 for the state that the server is in.");
    Family* const states = &state;
    for (const auto& server : guard.servers())
      for (const State s : kStates)
        states->add(fmt::format("{},state=\"{}\"", label(server->options().name), name_of(s)),
                    server->machine().state() == s);
  }
  {
    Family seconds(out, "halcyon_guard_state_seconds_total", "counter", "Time in each state.");
    for (const auto& server : guard.servers())
      for (const State s : kStates)
        seconds.add(fmt::format("{},state=\"{}\"", label(server->options().name), name_of(s)),
                    server->account().seconds_in(s, now));
  }
  family("halcyon_guard_requests_total", "counter", "Requests for the server.",
         [](const Server& s) { return static_cast<double>(s.account().requests); });
  family("halcyon_guard_refused_total", "counter", "Requests that were refused.",
         [](const Server& s) { return static_cast<double>(s.account().refused); });
  family("halcyon_guard_answered_asleep_total", "counter", "Answers given for the sleeping server.",
         [](const Server& s) { return static_cast<double>(s.account().from_memory); });
  family("halcyon_guard_in_flight", "gauge", "Requests that the server is working on.",
         [](const Server& s) { return static_cast<double>(s.machine().in_flight()); });
  family("halcyon_guard_queued", "gauge", "Requests that wait for the server.",
         [](const Server& s) { return static_cast<double>(s.machine().waiting()); });
  family("halcyon_guard_restarts_total", "counter", "Starts after the first.",
         [](const Server& s) { return static_cast<double>(s.machine().restarts()); });
  family("halcyon_guard_thaws_total", "counter", "Requests that thawed the server.",
         [](const Server& s) { return static_cast<double>(s.account().thaws().count); });
  family("halcyon_guard_thaw_seconds_total", "counter",
         "Time from such a request to the first byte of its answer.",
         [](const Server& s) { return s.account().thaws().total_ms / 1e3; });
  family("halcyon_guard_spin_cores", "gauge", "Cores that the server uses while awake and idle.",
         [](const Server& s) { return s.account().spin().value_or(0) / 100; });
  family("halcyon_guard_saved_cpu_seconds_total", "counter",
         "CPU time that the frozen or stopped server did not burn.", [&](const Server& s) {
           return s.account().saved(guard.options().watts_per_core, now).cpu_hours * 3600;
         });
  Family saved(out, "halcyon_guard_saved_joules_total", "counter", "Energy that it did not burn.");
  for (const auto& server : guard.servers()) {
    const Saved s = server->account().saved(guard.options().watts_per_core, now);
    saved.add(fmt::format("{},estimated=\"{}\"", label(server->options().name), !s.measured), s.wh * 3600);
  }
  return out;
}

Json models_json(const Guard& guard) {
  Json list = Json::array();
  for (const auto& server : guard.servers())
    for (const std::string& model : server->options().models)
      list.push_back(
          {{"id", model}, {"object", "model"}, {"created", 0}, {"owned_by", server->options().name}});
  return {{"object", "list"}, {"data", list}};
}

}  // namespace halcyon::guard
