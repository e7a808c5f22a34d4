#include "common/event_loop.h"
