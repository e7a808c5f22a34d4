#include "common/thread_pool.h"
