// SIGINT, SIGTERM and SIGHUP (unless ignored, as under nohup) as something a main thread waits for.
// Thread rule: Block before any thread is started; Wait on the main thread.
#pragma once

#include <absl/time/time.h>

namespace weft {

// No thread started after this is interrupted by them; SIGPIPE is ignored.
void BlockSignals();
// Waits at most that long; the number of the signal, or 0.
int WaitForSignal(absl::Duration at_most);

}  // namespace weft
