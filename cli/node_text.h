// How nodes, and pages directories that are away, are shown: by weft status and weft node list.
// Pure; any thread.
#pragma once

#include <nlohmann/json.hpp>

#include <string>

#include "common/wire.pb.h"

namespace weft {

// "fetcher m1/42/fetcher: 3 leases, heard 20 ms ago; ..."
std::string NodeText(const wire::NodeStatus& node);
nlohmann::ordered_json NodeJson(const wire::NodeStatus& node);
// Of a pages directory of which no parser is connected.
std::string PlaceText(const wire::NodeStatus& place);
nlohmann::ordered_json PlaceJson(const wire::NodeStatus& place);

}  // namespace weft
