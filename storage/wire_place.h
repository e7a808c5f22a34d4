// WarcPlace as it travels (common/wire.proto). Thread rule: free functions.
#pragma once

#include "common/wire.pb.h"
#include "storage/url_record.h"

namespace weft {

inline void FillPlace(const WarcPlace& place, wire::WarcPlace& out) {
  out.set_pages_dir_id(place.pages_dir_id);
  out.set_file(place.file);
  out.set_offset(place.offset);
  out.set_length(place.length);
  out.set_record_digest(place.record_digest);
  out.set_refers(place.refers);
}

inline WarcPlace PlaceOf(const wire::WarcPlace& place) {
  return {place.pages_dir_id(), place.file(), place.offset(), place.length(), place.record_digest(), place.refers()};
}

}  // namespace weft
