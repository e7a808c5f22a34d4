#include "common/link_kind.h"
