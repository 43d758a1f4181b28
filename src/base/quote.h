// Text that is not ours, made fit for a message.
#pragma once

#include <string>
#include <string_view>

namespace halcyon {

/// `text` in quotes, on one line, and cut with an ellipsis after `longest` bytes. Quotes, backslashes,
/// control characters, those that reorder text, and bytes that are not UTF-8 are escaped: \" \\ \n \x1b
/// \u202e \xff.
///
/// Use this and not fmt's {:?} for anything from a file or a peer: that of fmt 9 reads past the end of a
/// string that ends within a character.
std::string quote(std::string_view text, size_t longest = 128);

/// Likewise without the quotes around it, and with quotes and backslashes as they are: for text that is
/// mostly ours, and for the cells of a table.
std::string one_line(std::string_view text, size_t longest = 4000);

}  // namespace halcyon
