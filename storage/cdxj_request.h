// How a capture of a request by another method than GET is named in an index: method and body become part of the URL's query
// (IIPC's guideline for non-GET requests), in the way of cdxj-indexer and pywb.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "storage/warc_reader.h"

namespace weft {

struct OtherRequest {
  std::string method;  // upper case letters
  std::string body;    // as a query: a form's fields, JSON's members, else "__wb_post_data=" and Base64; at most 4,096 bytes
};

// nullopt: a request by GET or HEAD, or none that can be read.
std::optional<OtherRequest> ReadOtherRequest(const WarcRecord& request);
// "http://a/b?c&__wb_method=POST&d=e"
std::string UrlWithRequest(std::string_view url, std::string_view method, std::string_view body);
// JSON's members, whatever the depth, as "name=value&..."; a name that comes again is "name.2_". nullopt: no JSON.
std::optional<std::string> JsonAsQuery(std::string_view json);

}  // namespace weft
