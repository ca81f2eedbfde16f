// The module's first test replaces this file.
