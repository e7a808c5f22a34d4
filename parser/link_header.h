// Link header fields (RFC 8288, 3): links that a response names, whatever its type. Any bytes, linear time, bounded output.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/http_message.h"
#include "parser/link_extractor.h"

namespace weft {

// Links of one response beyond this are not taken.
inline constexpr size_t kMaxHeaderLinks = 1000;

struct HeaderLinks {
  std::vector<ExtractedLink> links;  // http and https, of the kinds asked for, in their order, repeats kept
  std::string canonical;             // the first rel=canonical, resolved; empty if there is none
  bool cut = false;                  // there were more than kMaxHeaderLinks
};

// The values of a response's Link fields.
std::vector<std::string_view> LinkFields(const HttpHead& head);

// `fields`: the values of the response's Link fields. References are resolved against `page_url`, never a <base>, and a link
// with an anchor other than the page is somebody else's (RFC 8288 3.2). One without a rel names nothing (RFC 8288 3.3). What is
// no link is skipped up to the next comma outside quotes and brackets.
HeaderLinks ReadLinkHeaders(const std::vector<std::string_view>& fields, const Url& page_url, LinkKinds kinds);

// Joins them to what the page itself says: the header came first, but the page's canonical counts before the header's.
void AddHeaderLinks(HeaderLinks header, ExtractedPage* page);

}  // namespace weft
