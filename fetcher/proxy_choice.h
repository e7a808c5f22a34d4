// Through which proxy a host is asked: the first rule that matches it and names one, else the crawl's own. A host's robots.txt
// goes the same way as its pages: the choice is of the host alone.
// Thread rule: immutable; any thread.
#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <string_view>

#include "common/settings.pb.h"
#include "common/url_rules.h"

namespace weft {

class ProxyChoice {
 public:
  ProxyChoice() = default;   // none for any host
  // InvalidArgument, for people: a rule that cannot be read. Without it a host might be asked another way than it should be.
  static absl::StatusOr<ProxyChoice> Of(const wire::CrawlSettings& settings);

  // "" = none: the host is asked directly. `host` as in a Url. Valid as long as this object.
  std::string_view For(std::string_view host) const;

 private:
  std::string general_;
  UrlRules rules_;
  bool by_rule_ = false;
};

}  // namespace weft
