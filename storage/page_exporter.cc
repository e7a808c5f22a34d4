#include "storage/page_exporter.h"

#include <nlohmann/json.hpp>

#include "storage/warc_format.h"

namespace weft {

std::string JsonLine(const PageRow& row) {
  nlohmann::ordered_json json = {
      {"url", row.url},
      {"status", row.status},
      {"depth", row.depth},
      {"referrer", row.referrer},
      {"fetched_at", WarcDate(row.fetched_at)},
      {"content_type", row.content_type},
      {"charset", row.charset},
      {"length", row.length},
      {"digest", row.digest},
      {"truncated", row.truncated},
      {"warc_file", row.warc_file},
      {"warc_offset", row.warc_offset},
      {"robots", nlohmann::ordered_json::array_t(row.robots.begin(), row.robots.end())},
      {"title", row.title},
      {"links", nlohmann::ordered_json::array_t(row.links.begin(), row.links.end())},
  };
  if (row.first_fetched.has_value()) {
    json["first_fetched"] = WarcDate(*row.first_fetched);
    json["last_checked"] = WarcDate(row.last_checked);
    json["changes"] = row.changes;
  }
  if (row.text.has_value()) json["text"] = *row.text;
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace weft
