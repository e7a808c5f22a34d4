// The options of our ZeroMQ sockets: limits, patience, keys. An endpoint takes them as they are when it is bound or
// connected to.
// Thread rule: the socket's thread.
#pragma once

#include <string>

#include "common/zmq_keys.h"

namespace weft {

void SetInt(void* socket, int option, int value);
void SetCommonOptions(void* socket);
void SetHeartbeat(void* socket, int interval_ms, int timeout_ms);
// What is bound from here on asks for keys that `domain` allows.
void AskForKeys(void* socket, const std::string& secret_key, const std::string& domain);
// False: one of them is no key.
bool ShowKeys(void* socket, const KeyPair& own, const PeerKey& server_key);
// Where it was bound last, as others connect to it.
std::string LastEndpoint(void* socket);

}  // namespace weft
