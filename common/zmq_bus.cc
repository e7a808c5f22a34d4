#include "common/zmq_bus.h"
