"""Is anything that was acknowledged lost, or stored twice, whatever happens to the server and to its engine?"""
