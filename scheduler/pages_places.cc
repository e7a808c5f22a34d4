#include "scheduler/pages_places.h"

#include <optional>

#include "common/status.h"
#include "common/wire.pb.h"
#include "scheduler/anchor_list.h"
#include "scheduler/status_report.h"

namespace weft {

PagesPlace PlaceOf(const wire::NodeStatus& told) {
  PagesPlace place = {told.machine(), told.pages_path(), told.worker(), told.state() == kForgotten};
  if (told.heard_wall_us() > 0) place.heard = absl::FromUnixMicros(told.heard_wall_us());
  return place;
}

// As a RecordsReply, which has a list of just these fields.
absl::StatusOr<PagesPlaces> ReadPagesPlaces(const CrawlDb& db) {
  WEFT_ASSIGN_OR_RETURN(std::optional<std::string> stored, db.GetMeta(kMetaPagesPlaces));
  PagesPlaces places;
  wire::RecordsReply list;
  if (stored && !list.ParseFromString(*stored)) return DataLoss("crawl.db: the list of pages directories cannot be read");
  for (const wire::NodeStatus& one : list.parsers()) {
    places[one.pages_dir_id()] = PlaceOf(one);
  }
  return places;
}

absl::Status WritePagesPlaces(CrawlDb& db, const PagesPlaces& places) {
  wire::RecordsReply list;
  FillPlaces(places, list.mutable_parsers());
  return db.PutMeta(kMetaPagesPlaces, list.SerializeAsString());
}

}  // namespace weft
