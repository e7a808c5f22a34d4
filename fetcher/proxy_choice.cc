#include "fetcher/proxy_choice.h"

#include <utility>

#include "common/status.h"

namespace weft {

absl::StatusOr<ProxyChoice> ProxyChoice::Of(const wire::CrawlSettings& settings) {
  ProxyChoice choice;
  WEFT_ASSIGN_OR_RETURN(choice.rules_, UrlRules::Of(settings));
  choice.general_ = settings.proxy();
  choice.by_rule_ = choice.rules_.has_proxies();
  return choice;
}

std::string_view ProxyChoice::For(std::string_view host) const {
  return by_rule_ ? rules_.Proxy(host).value_or(general_) : general_;
}

}  // namespace weft
