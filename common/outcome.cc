#include "common/outcome.h"
