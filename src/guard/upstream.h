// What the proxy sees of a guarded server.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "guard/answers.h"
#include "guard/asio.h"
#include "guard/machine.h"
#include "serve/http.h"

namespace halcyon::guard {

/// The place of one request: it waits until it may go to the server, and counts as in flight from then on
/// until the ticket is destroyed.
class Ticket {
 public:
  virtual ~Ticket() = default;

  virtual Task<void> wait() = 0;  ///< until it is passed or refused
  virtual bool passed() const = 0;
  virtual const std::optional<Refusal>& refusal() const = 0;

  virtual void answer_began() = 0;  ///< its first byte is here

  /// Not a byte of it has reached the server: wait() again.
  virtual void unsent() = 0;
};

class Upstream {
 public:
  virtual ~Upstream() = default;

  virtual std::unique_ptr<Ticket> admit() = 0;
  virtual uint16_t port() const = 0;

  /// How the server has ended, if it has or does within `patience`.
  virtual Task<std::optional<std::string>> how_it_ended(Clock::duration patience) = 0;

  /// An answer for a monitor's request that need not wake the server.
  virtual std::optional<Answers::Answer> sleeping_answer(const serve::HttpRequest& request) = 0;

  /// The bytes of a whole answer to a request whose answers are kept().
  virtual bool keeps(const serve::HttpRequest& request) const = 0;
  virtual void keep(const serve::HttpRequest& request, std::string_view answer) = 0;
};

/// Says whose a request is.
class Router {
 public:
  virtual ~Router() = default;

  /// The guard's own answer, if the request is for the guard.
  virtual std::unique_ptr<serve::Exchange> own_answer(const serve::HttpRequest& request) = 0;

  /// Whether the body decides, too.
  virtual bool needs_body(const serve::HttpRequest& request) const = 0;

  /// nullptr: nobody's. `body` is empty unless it was asked for.
  virtual Upstream* upstream_of(const serve::HttpRequest& request, std::string_view body) = 0;
};

}  // namespace halcyon::guard
