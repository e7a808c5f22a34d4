// How nodes, their stores, and pages directories that are away are shown: by weft status and weft node list.
// Pure; any thread.
#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

#include "common/wire.pb.h"

namespace weft {

// "fetcher m1/42/fetcher: 3 leases, heard 20 ms ago; ..."
std::string NodeText(const wire::NodeStatus& node);
nlohmann::ordered_json NodeJson(const wire::NodeStatus& node);
// "store s3://...: 12 files (3 MB) stored, ...", and what is wrong with it in further lines; of a node with a store.
std::vector<std::string> StoreTexts(const wire::NodeStatus& node);
nlohmann::ordered_json StoreJson(const wire::NodeStatus& node);
// Of the nodes with a store one for each pages directory: its parsers tell the same.
std::vector<const wire::NodeStatus*> StoresOf(const wire::StatusReply& status);
// What the scheduler, and each parser that did, turned away. Empty: nothing.
std::vector<std::string> RefusalTexts(const wire::StatusReply& status);
nlohmann::ordered_json RefusalsJson(const wire::Refusals& refusals);
// Of a pages directory of which no parser is connected.
std::string PlaceText(const wire::NodeStatus& place);
nlohmann::ordered_json PlaceJson(const wire::NodeStatus& place);

}  // namespace weft
