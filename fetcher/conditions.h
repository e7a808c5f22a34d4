// What makes a request conditional (RFC 9110 13.1.2, 13.1.3): the server need not send a page that we have.
// Thread rule: free functions.
#pragma once

#include <string>
#include <vector>

#include "common/validators.h"
#include "common/wire.pb.h"

namespace weft {

// Both where both are known: who knows entity tags looks at those alone.
inline void AddConditions(const wire::UrlTicket& ticket, std::vector<std::string>& headers) {
  if (UsableValidator(ticket.etag())) headers.push_back("If-None-Match: " + ticket.etag());
  if (UsableValidator(ticket.last_modified())) headers.push_back("If-Modified-Since: " + ticket.last_modified());
}

}  // namespace weft
