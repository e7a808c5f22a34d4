#include "cli/commands.h"

namespace weft {

CommandMain FindCommandMain(Command command) {
  switch (command) {
    default: return nullptr;
  }
}

}  // namespace weft
