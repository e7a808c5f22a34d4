// The crawl's key rules as they are stored and sent, as options of CrawlKey.
#pragma once

#include "common/crawl_key.h"
#include "common/wire.pb.h"

namespace weft {

inline KeyOptions KeyOptionsOf(const wire::KeyRules& rules) {
  KeyOptions options;
  options.sort_query = rules.sort_query();
  options.drop_session_parameters = rules.drop_session_parameters();
  options.drop_tracking_parameters = rules.drop_tracking_parameters();
  options.drop_index = rules.drop_index();
  options.drop_www = rules.drop_www();
  options.http_is_https = rules.http_is_https();
  return options;
}

}  // namespace weft
