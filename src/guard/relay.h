// One client's connection: passes its requests on, and the answers back, byte by byte as they come.
#pragma once

#include <memory>
#include <string>

#include "guard/asio.h"
#include "guard/heads.h"
#include "guard/upstream.h"

namespace halcyon::guard {

/// Requests are taken one after the other. Each has a connection to the server of its own, closed behind the
/// answer: so there is none that the server could close at the moment at which a request is sent on it.
class Relay {
 public:
  Relay(tcp::socket client, std::string peer, Router& router);

  Task<void> run();  ///< until either side has had enough
  void close();

  /// Closes it if nothing is asked of it, else behind the current answer.
  void finish();

  /// Since when it could begin a request, and has not sent all of its head; empty while one is answered.
  std::optional<Clock::time_point> waits_since() const { return waits_since_; }

 private:
  enum class Outcome { answered, client_gone, client_broken, server_gone, nothing_sent };

  Task<bool> read_head(RequestReader& reader);
  Task<bool> read_whole_body(RequestHead& head);
  Task<bool> answer(RequestHead head);
  Task<bool> wait_for(Ticket& ticket);
  Task<bool> pass_on(RequestHead& head, Upstream& upstream);

  Task<Outcome> exchange(const RequestHead& head, Upstream& upstream, Ticket& ticket);
  Task<void> send_request(const RequestHead& head, tcp::socket& server);
  Task<void> receive_answer(const RequestHead& head, tcp::socket& server, Ticket& ticket, bool keep);

  Task<bool> read_more();                   ///< from the client; false: it sends nothing more
  Task<void> watch_client();                ///< until it has gone
  Task<bool> send(std::string_view bytes);  ///< to the client
  Task<bool> reply(const RequestHead& head, std::unique_ptr<serve::Exchange> exchange);
  // Not of a Refusal: GCC 12 destroys temporary aggregates, and those of ?:, in a co_await twice.
  Task<bool> refuse(const RequestHead& head, int status, std::string message,
                    std::chrono::seconds retry_after = {});
  Task<void> linger();

  tcp::socket client_;
  std::string peer_;
  Router& router_;
  std::string in_;      ///< from the client, not yet taken
  std::string held_;    ///< of the current request's body: was read to find out whose it is
  bool ended_ = false;  ///< the client sends nothing more
  bool gone_ = false;   ///< it takes nothing more either
  bool finishing_ = false;
  std::optional<Clock::time_point> waits_since_;

  // Of the current answer:
  bool begun_ = false;  ///< some of it was sent to the client
  bool whole_ = false;
  bool keep_alive_ = false;
  bool body_broken_ = false;
  bool body_sent_ = false;  ///< all of the request's
  bool until_close_ = false;
  std::optional<Signal> tunnel_;  ///< set when another protocol begins
  std::string problem_;           ///< why there is no answer
  std::string kept_;              ///< its bytes, if they are kept
};

}  // namespace halcyon::guard
