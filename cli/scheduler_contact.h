// What a worker tells its user of its connection to the scheduler: none yet, found, lost, back. Pure text; the caller
// observes a few times a second and prints.
#pragma once

#include <absl/time/time.h>

#include <string>

namespace weft {

class SchedulerContact {
 public:
  // `working` is said once the scheduler has answered first.
  SchedulerContact(std::string endpoint, std::string working, absl::Time now)
      : endpoint_(std::move(endpoint)), working_(std::move(working)), since_(now) {}

  // A line to print, or "".
  std::string Observe(bool hears, absl::Time now);
  // It has worked for the scheduler, now or before.
  bool begun() const { return begun_; }

 private:
  std::string endpoint_;
  std::string working_;
  absl::Time since_;                               // without an answer
  absl::Time told_ = absl::InfinitePast();         // of this silence
  bool hears_ = false;
  bool begun_ = false;
};

}  // namespace weft
