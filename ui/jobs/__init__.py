"""Commands of `autotl` as processes that outlive the page, and the queue in which they wait."""
