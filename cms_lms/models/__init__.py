"""The records of cms_lms, one file each."""

from cms_lms.models.backend import LMSBackend
from cms_lms.models.configuration import ConfigurationVersion
from cms_lms.models.course import Course
from cms_lms.models.course_alias import CourseAlias
from cms_lms.models.course_run import CourseRun
from cms_lms.models.credential import BackendCredential
from cms_lms.models.deleted_run import DeletedRun
from cms_lms.models.delivery import SyncDelivery, SyncDeliveryLink
from cms_lms.models.sync_secret import SyncSecret
from cms_lms.models.unplaced_run import UnplacedRun

__all__ = [
    "BackendCredential",
    "ConfigurationVersion",
    "Course",
    "CourseAlias",
    "CourseRun",
    "DeletedRun",
    "LMSBackend",
    "SyncDelivery",
    "SyncDeliveryLink",
    "SyncSecret",
    "UnplacedRun",
]
