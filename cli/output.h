// What commands print: lines of their output, and what they have to tell beside it. Nothing here throws or ends the process where
// nobody reads any more. Thread rule: any thread.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>

namespace weft {

// As it is, on standard error. Who closed it does not want to know.
void PutError(std::string_view text);
template <typename... Args>
void PrintError(fmt::format_string<Args...> format, Args&&... args) {
  PutError(fmt::format(format, std::forward<Args>(args)...));
}
// "weft: TEXT" as a line on standard error.
void TellProblem(std::string_view text);

// On standard output; what fails shows in EndOfOutput.
void Put(std::string_view text);
template <typename... Args>
void Print(fmt::format_string<Args...> format, Args&&... args) {
  Put(fmt::format(format, std::forward<Args>(args)...));
}
// `text` and a line end on standard output; what fails shows in EndOfOutput.
void PutLine(std::string_view text);
// Flushes standard output; `code`, or kExitFailed with a message where it could not be written.
int EndOfOutput(int code);

}  // namespace weft
