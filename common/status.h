// Status helpers. Errors inside Weft are absl::Status / absl::StatusOr; context is added once, where it
// is known. A failure of the web (a refused connection, a 404) is not a Status but a value: see outcome.h.
//
// String convention of the whole tree: std::string_view and fmt::format. Debian's Abseil has a string_view of
// its own that does not convert, so absl string functions are not used; pass std::string at Abseil's edges.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>

namespace weft {

template <typename... A>
absl::Status InvalidArgument(fmt::format_string<A...> format, A&&... args) {
  return absl::InvalidArgumentError(fmt::format(format, std::forward<A>(args)...));
}
template <typename... A>
absl::Status FailedPrecondition(fmt::format_string<A...> format, A&&... args) {
  return absl::FailedPreconditionError(fmt::format(format, std::forward<A>(args)...));
}
template <typename... A>
absl::Status NotFound(fmt::format_string<A...> format, A&&... args) {
  return absl::NotFoundError(fmt::format(format, std::forward<A>(args)...));
}
template <typename... A>
absl::Status DataLoss(fmt::format_string<A...> format, A&&... args) {
  return absl::DataLossError(fmt::format(format, std::forward<A>(args)...));
}
template <typename... A>
absl::Status Unavailable(fmt::format_string<A...> format, A&&... args) {
  return absl::UnavailableError(fmt::format(format, std::forward<A>(args)...));
}
template <typename... A>
absl::Status Internal(fmt::format_string<A...> format, A&&... args) {
  return absl::InternalError(fmt::format(format, std::forward<A>(args)...));
}
template <typename... A>
absl::Status ResourceExhausted(fmt::format_string<A...> format, A&&... args) {
  return absl::ResourceExhaustedError(fmt::format(format, std::forward<A>(args)...));
}

// The same status with "context: " before its message.
inline absl::Status WithContext(const absl::Status& status, std::string_view context) {
  if (status.ok()) return status;
  return absl::Status(status.code(), fmt::format("{}: {}", context, std::string(status.message())));
}

// The message alone, for people.
inline std::string ErrorText(const absl::Status& status) { return std::string(status.message()); }

}  // namespace weft

#define WEFT_CONCAT_INNER(a, b) a##b
#define WEFT_CONCAT(a, b) WEFT_CONCAT_INNER(a, b)
#define WEFT_RETURN_IF_ERROR(expr)                   \
  do {                                               \
    absl::Status weft_status_ = (expr);              \
    if (!weft_status_.ok()) return weft_status_;     \
  } while (false)
#define WEFT_ASSIGN_OR_RETURN(lhs, expr) \
  WEFT_ASSIGN_OR_RETURN_IMPL(WEFT_CONCAT(weft_statusor_, __LINE__), lhs, expr)
#define WEFT_ASSIGN_OR_RETURN_IMPL(tmp, lhs, expr) \
  auto tmp = (expr);                               \
  if (!tmp.ok()) return tmp.status();              \
  lhs = std::move(*tmp)
