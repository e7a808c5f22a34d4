#include "common/session_link.h"
