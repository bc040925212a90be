// The Gradle build: an AAR of the SDK, and the app. For machines with the Android SDK; scripts/build-android calls it.
// Our tests build the same sources by Maven and never run these files.
pluginManagement {
    repositories {
        google()
        mavenCentral()
        gradlePluginPortal()
    }
    plugins {
        id("com.android.application") version "8.13.0"
        id("com.android.library") version "8.13.0"
        id("org.jetbrains.kotlin.android") version "2.4.21"
    }
}

dependencyResolutionManagement {
    repositories {
        google()
        mavenCentral()
    }
}

rootProject.name = "sotto-android"
include(":sotto", ":app")
