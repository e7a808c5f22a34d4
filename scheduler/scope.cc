#include "scheduler/scope.h"
