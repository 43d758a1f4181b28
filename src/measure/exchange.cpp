#include "measure/exchange.h"

#include "base/quote.h"

namespace halcyon::measure {
namespace {

constexpr int kOk = 200;

/// What an answer with another status says.
std::string complaint(const HttpAnswer& answer) {
  const Result<Json> json = parse_json(answer.body);
  const std::string text = json ? error_in(*json).value_or(answer.body) : answer.body;
  std::string status = fmt::format("status {}", answer.status);
  if (answer.status == 401 || answer.status == 403) status += " (it wants a key: --api-key-file)";
  return text.empty() ? status : fmt::format("{}: {}", status, quote(text));
}

/// The request itself is what the server does not like.
bool is_refusal(int status) {
  return status >= 400 && status < 500 && status != 401 && status != 403 && status != 408 && status != 429;
}

Result<Json> read(const HttpClient& client, std::string_view path, Result<HttpAnswer> answer) {
  if (!answer) return forward_error(answer);
  if (answer->status != kOk) return fail("{}{}: {}", client.url().text(), path, complaint(*answer));
  Result<Json> json = parse_json(answer->body);
  if (!json) return std::unexpected(std::move(json.error()).in(client.url().text() + std::string(path)));
  return json;
}

/// Fits the text of one answer together and keeps the times.
class Follower {
 public:
  Follower(const StreamRequest& request, const ReadEvent& read, const OnFirst& on_first)
      : request_(request), read_(read), on_first_(on_first) {}

  Result<void> bytes(std::string_view bytes, Clock::time_point at) {
    at_ = at;
    return events_.feed(bytes);
  }

  Result<Generation> finish(const HttpAnswer& answer) {
    CHECK_OK(events_.finish());
    generation_.sent = answer.sent;
    if (generation_.finished) return generation_;
    if (generation_.pieces == 0)
      return fail("the answer has no events, but is {}", quote(answer.content_type));
    return fail("the stream stops without its last event");
  }

  int pieces() const { return generation_.pieces; }

 private:
  Result<void> event(std::string_view data) {
    if (data == "[DONE]") {
      generation_.finished = true;
      return {};
    }
    TRY(const Json event, parse_json(data));
    if (const auto error = error_in(event)) return fail("the server reports {}", quote(*error));
    if (!read_(event, generation_)) return {};
    generation_.last = at_;
    if (generation_.pieces++ == 0) {
      generation_.first = at_;
      on_first_();
    }
    // A piece is a token or more. Some servers send a few without being asked, but not many times as many.
    if (generation_.pieces > 4 * request_.max_tokens + 64)
      return fail("the server does not stop, though {} tokens were asked for", request_.max_tokens);
    return {};
  }

  const StreamRequest& request_;
  const ReadEvent& read_;
  const OnFirst& on_first_;
  Generation generation_;
  Clock::time_point at_;
  EventStream events_{request_.format, [this](std::string_view data) { return event(data); }};
};

}  // namespace

Result<Json> get_json(HttpClient& client, std::string_view path) {
  return read(client, path, client.get(path));
}

Result<Json> post_json(HttpClient& client, std::string_view path, const Json& body) {
  return read(client, path, client.post(path, to_text(body)));
}

Result<Generation> follow(HttpClient& client, const StreamRequest& request, const ReadEvent& read,
                          const OnFirst& on_first) {
  Follower follower(request, read, on_first);
  const OnBytes on_bytes = [&](std::string_view bytes, Clock::time_point at) {
    return follower.bytes(bytes, at);
  };
  Result<HttpAnswer> answer = client.stream(request.path, to_text(request.body), on_bytes);
  if (answer && is_refusal(answer->status)) {
    Generation refused;
    refused.refused = complaint(*answer);
    return refused;
  }
  Result<Generation> generation;
  if (!answer)
    generation = forward_error(answer);
  else if (answer->status != kOk)
    generation = fail("{}{}: {}", client.url().text(), request.path, complaint(*answer));
  else
    generation = follower.finish(*answer);
  if (!generation && follower.pieces() > 0)
    generation.error().message +=
        fmt::format(" (after {} of {} tokens)", follower.pieces(), request.max_tokens);
  return generation;
}

void read_timings(const Json& event, Generation& generation) {
  if (!find(event, "/timings")) return;
  generation.server_prefill_tps = number_at(event, "/timings/prompt_per_second");
  generation.server_decode_tps = number_at(event, "/timings/predicted_per_second");
}

}  // namespace halcyon::measure
