#include "common/node_tags.h"

#include <algorithm>

#include "common/status.h"

namespace weft {

bool IsTag(std::string_view text) {
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-'; };
  return !text.empty() && text.size() <= kLongestTag && std::all_of(text.begin(), text.end(), fits);
}

absl::StatusOr<std::vector<std::string>> ParseTags(std::string_view text) {
  std::vector<std::string> tags;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    const std::string_view tag = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
    if (!IsTag(tag)) {
      return InvalidArgument("'{}' is not a tag: expected up to {} lower-case letters, digits, '.', '_' and '-'", tag, kLongestTag);
    }
    if (std::find(tags.begin(), tags.end(), tag) == tags.end()) tags.emplace_back(tag);
  }
  if (tags.size() > kMostTags) return InvalidArgument("{} tags: a node has at most {}", tags.size(), kMostTags);
  return tags;
}

}  // namespace weft
