// Which parameters of a URL name a visit and not a resource, and how a query is sorted: the parts of the crawl key that
// are policy. Input and output are path and query as a crawl key has them (escapes already canonical). Linear, but for
// the sort. Private to crawl_key.cc and surt.cc.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/crawl_key.h"

namespace weft {

std::string KeyPath(std::string_view path, const KeyOptions& options);
// Without "?"; may come back empty.
std::string KeyQuery(std::string_view query, const KeyOptions& options);

// "a=1&&b" as {"a=1", "", "b"}.
std::vector<std::string_view> SplitPairs(std::string_view query);
std::string JoinPairs(const std::vector<std::string_view>& pairs);
// By name, then value, then as bytes ("a" and "a=" differ in the last only).
void SortPairs(std::vector<std::string_view>& pairs);

// Removes the pairs that name a session (see KeyOptions).
void DropSessionPairs(std::vector<std::string_view>& pairs);

std::string Lowered(std::string_view text);

}  // namespace weft
