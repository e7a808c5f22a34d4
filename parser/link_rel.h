// What the rel of a link says: of link elements and of Link header fields alike (HTML 4.6.7; RFC 8288, 3.3). Linear time.
#pragma once

#include <string_view>

#include "common/link_kind.h"

namespace weft {

// kCite for what is known to describe, or not known at all; kNone for what names a host and no resource.
LinkKind KindOfRel(std::string_view rel);

// Whether it holds the token "nofollow".
bool HasNofollow(std::string_view rel);

}  // namespace weft
