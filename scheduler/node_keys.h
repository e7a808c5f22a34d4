// What the keys of a cluster stand for: one token, one key, one process at a time. Only public halves are known here.
// Values; any thread.
#pragma once

#include <map>
#include <set>
#include <string>

#include "common/bus.h"

namespace weft {

struct NodeKey {
  std::string name;       // of its token, for people
  bool fetches = false;
  bool parses = false;
  bool tool = false;      // seeds, status, export
  bool revoked = false;

  friend bool operator==(const NodeKey&, const NodeKey&) = default;
};
using NodeKeys = std::map<PeerKey, NodeKey>;

// Known, and not revoked.
bool KeyHolds(const NodeKeys& keys, const PeerKey& key);
std::set<PeerKey> KeysThatHold(const NodeKeys& keys);
// Those that bring pages.
std::set<PeerKey> KeysThatFetch(const NodeKeys& keys);
// Those that may ask for what is stored.
std::set<PeerKey> KeysOfTools(const NodeKeys& keys);
// For people, "token 'seeds' may not fetch: its role is tool"; "" if the key may register so. Without a key: any.
std::string WhyKeyMayNot(const NodeKeys& keys, const PeerKey& key, const wire::Register& info);

}  // namespace weft
