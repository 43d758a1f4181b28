// Conversations as clients send them, made into what chat templates expect.
#pragma once

#include "serve/api_error.h"

namespace halcyon::serve {

/// Checks a list of messages and normalises it: content in parts becomes text, null content becomes "", and
/// the arguments of tool calls become objects where they are the text of one. Images and sound are refused by
/// name.
Outcome<Json> read_messages(const Json* messages);

}  // namespace halcyon::serve
