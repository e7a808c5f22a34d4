// Keeps documents out of the tree builder that would cost it far more than their size: it is quadratic in the nesting
// depth and in the attributes of a tag. One linear pass over the tags, some 4% of a tree's cost. It is an estimate; what
// slips through is stopped by BoundedGumbo.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weft {

// Larger documents are not given to the tree builder.
inline constexpr size_t kMaxTreeBytes = 8 << 20;
// Attributes of one tag: each is compared with all before it.
inline constexpr uint32_t kMaxTagAttributes = 128;
// <html> and <body> start tags: the attributes of each are merged into the first.
inline constexpr uint32_t kMaxMergedTags = 64;

// Steps through the open elements that a document of that size may cost. Real pages need about 1 a byte; a step takes
// 2 to 5 ns, and a byte 45 ns of ordinary work.
constexpr uint64_t TreeWorkLimit(size_t bytes) { return 1'000'000 + 64 * static_cast<uint64_t>(bytes); }

// kTree: a tree can be built at an ordinary cost. The others: it cannot, and why.
enum class PrescanVerdict : uint8_t { kTree, kTooLarge, kTooDeep, kTooManyAttributes, kTooManyMerges };

PrescanVerdict PrescanHtml(std::string_view utf8);

}  // namespace weft
