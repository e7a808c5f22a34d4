#include "scheduler/node_keys.h"

#include <fmt/format.h>

namespace weft {

bool KeyHolds(const NodeKeys& keys, const PeerKey& key) {
  const auto it = keys.find(key);
  return it != keys.end() && !it->second.revoked;
}

std::set<PeerKey> KeysThatHold(const NodeKeys& keys) {
  std::set<PeerKey> hold;
  for (const auto& [key, token] : keys) {
    if (!token.revoked) hold.insert(key);
  }
  return hold;
}

std::set<PeerKey> KeysThatFetch(const NodeKeys& keys) {
  std::set<PeerKey> fetch;
  for (const auto& [key, token] : keys) {
    if (!token.revoked && token.fetches) fetch.insert(key);
  }
  return fetch;
}

std::set<PeerKey> KeysOfTools(const NodeKeys& keys) {
  std::set<PeerKey> tools;
  for (const auto& [key, token] : keys) {
    if (!token.revoked && token.tool) tools.insert(key);
  }
  return tools;
}

std::string WhyKeyMayNot(const NodeKeys& keys, const PeerKey& key, const wire::Register& info) {
  if (key.empty()) return "";
  const auto it = keys.find(key);
  if (it == keys.end() || it->second.revoked) return "its key does not hold (any more)";
  const NodeKey& token = it->second;
  const bool nothing = !info.tool() && !info.fetches() && !info.parses();
  std::string_view what;
  const std::string_view role = info.tool() || nothing ? "tool" : info.fetches() && info.parses() ? "worker" : info.fetches() ? "fetcher" : "parser";
  if (info.fetches() && !token.fetches) what = "fetch";
  if (info.parses() && !token.parses) what = "parse";
  if ((info.tool() || nothing) && !token.tool) what = "be used by tools such as weft status or weft seeds add";
  if (what.empty()) return "";
  const std::string alone = role == "fetcher" || role == "parser" ? fmt::format(" (--role {} is for weft {} alone)", role, role) : "";
  return fmt::format("the token '{}' may not {}; make one for that on the scheduler's machine: weft token new --role {}{}",
                     token.name, what, alone.empty() ? role : "worker", alone);
}

}  // namespace weft
