#include "storage/export_table.h"

#include <absl/time/time.h>

#include "common/utf8.h"
#include "storage/warc_format.h"

namespace weft {

Cell TextCell(std::string_view text) {
  return IsValidUtf8(text) ? std::string(text) : ReplaceInvalidUtf8(text);
}

Cell TextOrNull(std::string_view text) {
  if (text.empty()) return std::monostate();
  return TextCell(text);
}

std::string TimeText(int64_t micros) { return WarcDate(absl::FromUnixMicros(micros)); }

}  // namespace weft
