// Requests and answers in JSON, on top of the HTTP client: what all dialects do alike.
#pragma once

#include <functional>
#include <string_view>

#include "measure/dialect.h"
#include "measure/event_stream.h"
#include "measure/http_client.h"
#include "measure/json.h"

namespace halcyon::measure {

/// The JSON of an answer with status 200; what another one says is the error.
Result<Json> get_json(HttpClient& client, std::string_view path);
Result<Json> post_json(HttpClient& client, std::string_view path, const Json& body);

struct StreamRequest {
  std::string_view path;
  Json body;
  EventStream::Format format = EventStream::Format::sse;
  int max_tokens = 1;  ///< that `body` asks for: a server that goes on far beyond is cut off
};

/// Takes what an event has to say into the generation; true if it brought text.
using ReadEvent = std::function<bool(const Json& event, Generation& generation)>;

/// Follows a streamed answer to its end: see Dialect::generate().
Result<Generation> follow(HttpClient& client, const StreamRequest& request, const ReadEvent& read,
                          const OnFirst& on_first);

/// llama-server's `timings`, which it also adds to answers in OpenAI's dialect.
void read_timings(const Json& event, Generation& generation);

}  // namespace halcyon::measure
