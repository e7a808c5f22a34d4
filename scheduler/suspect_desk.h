// Pages that may have brought a parser down: how often each did, over all machines, and who reads one of them now (rule 14).
// Nothing is stored: parsers tell what their pages directories know when they register, after a restart of this process too.
// Thread rule: the scheduler's loop.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "scheduler/node_table.h"

namespace weft {

class SuspectDesk {
 public:
  explicit SuspectDesk(NodeTable& nodes) : nodes_(nodes) {}

  // What its directory tells counts from now on. What an earlier process of that directory was reading is to blame; what this
  // process was reading in a session before is not: it asks anew.
  void OnRegister(const wire::Register& info);
  // Somebody registers and waits for its twin to give way. Should it be forgotten before it may, what its directory tells is known.
  void OnWaiting(const wire::Register& info);
  // A parser asks to read a page, or has read it. It is answered when nobody else reads that page, maybe at once.
  void OnSuspect(const PeerId& from, const wire::Register& info, const wire::SuspectPage& page);
  // What parsers that have gone were reading is to blame; who waits for that is answered.
  void OnTick();

  // Crashes of processes that were reading it.
  uint32_t CrashesOn(const std::string& key) const;

 private:
  struct Reading {
    enum class State { kWaits, kReads, kLost };  // kLost: its parser was lost with it, and has not been heard of since
    PeerId peer;
    uint64_t node_id = 0;
    uint64_t process = 0;
    uint64_t directory = 0;
    std::string key;
    State state = State::kWaits;
  };

  uint32_t CrashesIn(uint64_t directory, const std::string& key) const;
  void Count(const std::string& key, uint64_t directory, uint32_t crashes);
  void AnswerWaiting();

  NodeTable& nodes_;
  std::vector<Reading> readings_;                                    // in the order of asking
  std::map<std::string, std::map<uint64_t, uint32_t>> by_directory_;  // crashes on each key, whose processes have begun anew
};

}  // namespace weft
